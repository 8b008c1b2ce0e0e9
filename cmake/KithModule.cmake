# kith_module(NAME SOURCES a.cc … DEPENDS kith::core … PRIVATE fmt::fmt …)
#
# Makes the static library kith::NAME of the folder it is called in. DEPENDS are the modules (and libraries)
# its headers show, PRIVATE what only its sources use: the call *is* the dependency diagram.
#
# Sources include every header of the project as "kith/<module>/<file>.h", in the tree as after installation:
# the build folder holds a link named kith to the source tree.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
if(NOT EXISTS ${CMAKE_BINARY_DIR}/include/kith)
  file(CREATE_LINK ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/include/kith SYMBOLIC)
endif()

function(kith_warnings target)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wno-missing-field-initializers>
    $<$<AND:$<COMPILE_LANGUAGE:C,CXX>,$<BOOL:${KITH_WERROR}>>:-Werror>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${KITH_WERROR}>>:-Werror=all-warnings>)
  # g++ 12 sees overlapping copies in every "text" + std::string (GCC bug 105651), and overflows inside fmt 9.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:C,CXX>:-Wno-restrict;-Wno-stringop-overflow>)
  endif()
endfunction()

function(kith_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(kith_${name} STATIC ${ARG_SOURCES})
  add_library(kith::${name} ALIAS kith_${name})
  set_target_properties(kith_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(kith_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include>
                                                 $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(kith_${name} PUBLIC cxx_std_20)
  target_link_libraries(kith_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
  kith_warnings(kith_${name})
  set_property(GLOBAL APPEND PROPERTY KITH_MODULES kith_${name})
endfunction()
