# SPDX-License-Identifier: Apache-2.0
common.containerd := containers grpc syscall
libs.containerd := -lcurl -lprotobuf-c -ljansson
