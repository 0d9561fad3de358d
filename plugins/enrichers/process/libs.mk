common.process := syscall
libs.process :=
