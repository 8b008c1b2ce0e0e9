#!/bin/sh
# Fails when clang-format would change a source. usage: format.sh CLANG_FORMAT ROOT
set -eu
cd "$2"
find core graph comm partition kernels datasets sampler exec cli tests bench examples \
  \( -name '*.h' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 "$1" --dry-run -Werror --style=file
