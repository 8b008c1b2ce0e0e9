#!/usr/bin/env bash
# gpu_bundle.sh BUILD FOLDER: one relocatable folder with everything a bare GPU host without network needs but
# NVIDIA's libraries: programs, tests, benchmarks, and every shared library they were linked with. BUILD is that of
# the preset cuda-bundle, whose programs look for libraries beside themselves.
set -euo pipefail
build=$(realpath "${1:?gpu_bundle.sh BUILD FOLDER}")
folder=${2:?gpu_bundle.sh BUILD FOLDER}
here=$(dirname "$(realpath "$0")")
mkdir -p "$folder/bin" "$folder/lib"

programs=("$build/bin/kith" "$build/tests/cuda/kith_cuda_tests" "$build/bench/gpu/kith_gpu_bench")
[ -x "$build/bin/kith-metis" ] && programs+=("$build/bin/kith-metis")
for program in "${programs[@]}"; do
  [ -x "$program" ] || { echo "gpu_bundle: $program is missing: cmake --build --preset cuda-bundle" >&2; exit 1; }
  install -s "$program" "$folder/bin/"
done
for tool in mpiexec hydra_pmi_proxy; do install "$(realpath "$(command -v "$tool.hydra" || command -v "$tool")")" "$folder/bin/$tool"; done

# The C library and the loader are the host's; the rest goes along.
ldd "$folder"/bin/* | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
  grep -vE '/(ld-linux[^/]*|lib(c|m|dl|rt|pthread|resolv|util))\.so' | while read -r library; do
  install "$(realpath "$library")" "$folder/lib/$(basename "$library")"
done
install "$here/gpu.sh" "$folder/"
du -sh "$folder"
