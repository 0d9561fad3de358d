# SPDX-License-Identifier: Apache-2.0
common.email := encode template
libs.email := -lcurl
