#!/usr/bin/env bash
# gpu_bundle.sh BUILD FOLDER: one relocatable folder, and FOLDER.tar.zst, with everything a bare GPU host without network
# needs but NVIDIA's libraries: programs, tests, benchmarks, every shared library they were linked with, and the real
# graphs that are measured, where KITH_DATA_DIR has them. BUILD is that of the preset cuda-bundle, whose programs look
# for libraries beside themselves.
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
install "$here/gpu.sh" "$here/../bench/gpu/peers.py" "$folder/"
# Graphs alone: features are not what is measured with them, and take most of the room.
without_features='
import pathlib, sys, zipfile
source, target = map(pathlib.Path, sys.argv[1:])
for file in (f for f in source.rglob("*") if f.is_file()):
    copy = target / file.relative_to(source)
    copy.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix != ".npz":
        copy.write_bytes(file.read_bytes())
        continue
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "node_feat.npy":
                new.writestr(name, old.read(name))
'
for graph in acl-coauthor cnr-2000; do
  if [ -d "${KITH_DATA_DIR:-/none}/$graph" ]; then python3 -c "$without_features" "$KITH_DATA_DIR/$graph" "$folder/data/$graph"; fi
done
# What is carried to the host: the folder itself is three times as large, most of it MPICH's and OpenBLAS's libraries.
packed=$folder.tar.zst
tar -C "$(dirname "$folder")" -cf - "$(basename "$folder")" | zstd -q -9 -T0 -f -o "$packed"
du -sh "$folder" "$packed"
if [ "$(stat -c %s "$packed")" -gt 55000000 ]; then echo "gpu_bundle: $packed is larger than 55 MB" >&2; exit 1; fi
