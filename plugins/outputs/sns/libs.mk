# SPDX-License-Identifier: Apache-2.0
common.sns := encode http
libs.sns := -lcurl -ljansson
