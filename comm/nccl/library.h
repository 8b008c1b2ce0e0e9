#pragma once
#include <string>

#include <nccl.h>

namespace kith {

/// NCCL's functions. The library belongs to the host's CUDA (or to a Python environment's), so it is not
/// linked but looked for when the first GPU communicator is asked for.
struct NcclLibrary {
  decltype(&ncclGetUniqueId) make_id = nullptr;
  decltype(&ncclCommInitRank) init_rank = nullptr;
  decltype(&ncclCommDestroy) destroy = nullptr;
  decltype(&ncclCommAbort) abort = nullptr;
  decltype(&ncclCommGetAsyncError) async_error = nullptr;
  decltype(&ncclGroupStart) group_start = nullptr;
  decltype(&ncclGroupEnd) group_end = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;
  decltype(&ncclAllReduce) all_reduce = nullptr;
  decltype(&ncclGetErrorString) error_text = nullptr;
  decltype(&ncclGetVersion) version = nullptr;
  std::string file;  ///< it was loaded from
  bool usable = false;
};

/// Loaded once. KITH_NCCL names a file; else the loader looks for libnccl.so.2.
const NcclLibrary& nccl_library();

}  // namespace kith
