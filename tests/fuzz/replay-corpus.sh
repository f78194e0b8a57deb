#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every input of the corpus once more. With --enable-fuzzing the program is
# libFuzzer's, which is told to fuzz no further.

program=${FERRYFS_BUILD:-.}/tests/fuzz/fuzz_dispatch
corpus=${srcdir:-.}/tests/fuzz/corpus
if grep -q LLVMFuzzerRunDriver "$program"; then
	exec "$program" -runs=0 "$corpus"
fi
exec "$program" "$corpus"
