common.replay := syscall scap
libs.replay := -lz -lzstd
