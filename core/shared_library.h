#pragma once
#include <dlfcn.h>

namespace kith {

/// The function of that name in a library opened by dlopen; false where it has none.
template <class F>
bool find_symbol(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace kith
