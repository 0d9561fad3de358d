# SPDX-License-Identifier: Apache-2.0
common.file := encode
libs.file := -lz
