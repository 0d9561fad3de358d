// SPDX-License-Identifier: Apache-2.0
// The test of the example in C serves the one in C++ too.
#define TESTED "../sqlite_cxx/sqlite_cxx.cc"
#include "../sqlite/test_sqlite.c"
