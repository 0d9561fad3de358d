# SPDX-License-Identifier: Apache-2.0
common.containerd := containers grpc record syscall
libs.containerd := -lnghttp2 -lprotobuf-c -ljansson
