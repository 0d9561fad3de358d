# SPDX-License-Identifier: Apache-2.0
common.program := encode
