#include "kith/comm/nccl/library.h"

#include <cstdlib>

#include <dlfcn.h>

#include "kith/core/shared_library.h"

namespace kith {
namespace {

NcclLibrary load() {
  const char* named = std::getenv("KITH_NCCL");
  NcclLibrary nccl;
  nccl.file = named != nullptr ? named : "libnccl.so.2";
  void* library = dlopen(nccl.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  nccl.usable = find_symbol(library, "ncclGetUniqueId", nccl.make_id) &&
                find_symbol(library, "ncclCommInitRank", nccl.init_rank) &&
                find_symbol(library, "ncclCommDestroy", nccl.destroy) &&
                find_symbol(library, "ncclCommAbort", nccl.abort) &&
                find_symbol(library, "ncclCommGetAsyncError", nccl.async_error) &&
                find_symbol(library, "ncclGroupStart", nccl.group_start) &&
                find_symbol(library, "ncclGroupEnd", nccl.group_end) &&
                find_symbol(library, "ncclSend", nccl.send) &&
                find_symbol(library, "ncclRecv", nccl.receive) &&
                find_symbol(library, "ncclAllReduce", nccl.all_reduce) &&
                find_symbol(library, "ncclGetErrorString", nccl.error_text) &&
                find_symbol(library, "ncclGetVersion", nccl.version);
  return nccl;
}

}  // namespace

const NcclLibrary& nccl_library() {
  static const auto* nccl = new NcclLibrary(load());
  return *nccl;
}

}  // namespace kith
