# SPDX-License-Identifier: Apache-2.0
common.stdout := encode
