#include "kith/comm/nccl/library.h"

#include <cstdlib>

#include <dlfcn.h>

namespace kith {
namespace {

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

NcclLibrary load() {
  const char* named = std::getenv("KITH_NCCL");
  NcclLibrary nccl;
  nccl.file = named != nullptr ? named : "libnccl.so.2";
  void* library = dlopen(nccl.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  nccl.usable =
      find(library, "ncclGetUniqueId", nccl.make_id) && find(library, "ncclCommInitRank", nccl.init_rank) &&
      find(library, "ncclCommDestroy", nccl.destroy) && find(library, "ncclCommAbort", nccl.abort) &&
      find(library, "ncclCommGetAsyncError", nccl.async_error) &&
      find(library, "ncclGroupStart", nccl.group_start) && find(library, "ncclGroupEnd", nccl.group_end) &&
      find(library, "ncclSend", nccl.send) && find(library, "ncclRecv", nccl.receive) &&
      find(library, "ncclAllReduce", nccl.all_reduce) &&
      find(library, "ncclGetErrorString", nccl.error_text) && find(library, "ncclGetVersion", nccl.version);
  return nccl;
}

}  // namespace

const NcclLibrary& nccl_library() {
  static const auto* nccl = new NcclLibrary(load());
  return *nccl;
}

}  // namespace kith
