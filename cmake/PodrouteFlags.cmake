# Flags hang on INTERFACE targets, never on CMAKE_CXX_FLAGS: the static agent and a sanitized controller
# are built in one tree with different flags.
option(PODROUTE_TIDY "Run clang-tidy-16 on every file" OFF)
set(PODROUTE_SANITIZE "" CACHE STRING "asan (AddressSanitizer + UBSan), tsan, or empty")

find_program(CCACHE ccache)
if(CCACHE)
    # base_dir makes the cache hit across checkouts; the compiled paths stay relative.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
        CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(podroute_warnings INTERFACE)
target_compile_options(podroute_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor
                       -Werror)
# GCC 12 finds, when it optimises, an overlapping copy in std::string's own concatenation (GCC bug 105651), and reads of what an empty
# std::optional holds (GCC bug 80635).
target_compile_options(podroute_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                       $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-maybe-uninitialized>)
target_include_directories(podroute_warnings INTERFACE ${CMAKE_SOURCE_DIR})

# Flags of everything but the static agent.
add_library(podroute_flags INTERFACE)
target_link_libraries(podroute_flags INTERFACE podroute_warnings)
if(PODROUTE_SANITIZE STREQUAL "asan")
    # These four are left out: they double the compile time of every file that sees json.hpp.
    set(sanitize -fsanitize=address,undefined -fno-sanitize=vptr,null,alignment,object-size
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(PODROUTE_SANITIZE STREQUAL "tsan")
    set(sanitize -fsanitize=thread)
elseif(PODROUTE_SANITIZE)
    message(FATAL_ERROR "PODROUTE_SANITIZE is '${PODROUTE_SANITIZE}': give asan, tsan or nothing")
endif()
if(PODROUTE_SANITIZE)
    target_compile_options(podroute_flags INTERFACE ${sanitize} -O1 -g1)
    target_link_options(podroute_flags INTERFACE ${sanitize})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT PODROUTE_SANITIZE)
    target_compile_options(podroute_flags INTERFACE -g1)
endif()

# Flags of the agent that goes to hosts: small, whatever the preset.
add_library(podroute_agent_flags INTERFACE)
target_link_libraries(podroute_agent_flags INTERFACE podroute_warnings)
target_compile_options(podroute_agent_flags INTERFACE -Os -g0 -DNDEBUG -ffunction-sections -fdata-sections)
target_link_options(podroute_agent_flags INTERFACE -static -Wl,--gc-sections -s)

# `tidy`: clang-tidy over the product, without compiling. Tests are left out: they see json.hpp, GoogleTest and rapidcheck in every file
# and would take longer than all the rest.
if(PODROUTE_TIDY)
    find_program(RUN_CLANG_TIDY run-clang-tidy-16 REQUIRED)
    add_custom_target(tidy COMMAND ${RUN_CLANG_TIDY} -quiet -p ${CMAKE_BINARY_DIR} "^${CMAKE_SOURCE_DIR}/(agent|bench|checks|cli|engine|fixtures|hosts|model|probes|reports)/"
                      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
endif()

# podroute_library(NAME SOURCES.. [LINK targets..]): a static library podroute_NAME with alias podroute::NAME.
function(podroute_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    if(arg_SOURCES)
        add_library(podroute_${name} STATIC ${arg_SOURCES})
        target_link_libraries(podroute_${name} PUBLIC podroute_flags ${arg_LINK})
    else()
        add_library(podroute_${name} INTERFACE)
        target_link_libraries(podroute_${name} INTERFACE podroute_flags ${arg_LINK})
    endif()
    add_library(podroute::${name} ALIAS podroute_${name})
endfunction()
