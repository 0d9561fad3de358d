# SPDX-License-Identifier: Apache-2.0
libs.syslog := -lssl -lcrypto
