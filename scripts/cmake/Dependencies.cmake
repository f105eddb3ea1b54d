# Every library the project stands on: the system's package where there is one, else the same release fetched. What is
# missing is said in one message, once all of it is known.
include(FetchContent)

find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)

set(JSON_BuildTests OFF)
set(JSON_Install OFF)
set(HWY_ENABLE_TESTS OFF)
set(HWY_ENABLE_EXAMPLES OFF)
set(HWY_ENABLE_CONTRIB OFF)
set(HWY_ENABLE_INSTALL OFF)
set(SPDLOG_FMT_EXTERNAL ON)
set(CLI11_BUILD_TESTS OFF)
set(CLI11_BUILD_EXAMPLES OFF)
set(CLI11_BUILD_DOCS OFF)
set(CLI11_PRECOMPILED OFF)
set(PCRE2_BUILD_TESTS OFF)
set(PCRE2_BUILD_PCRE2GREP OFF)
set(PCRE2_SUPPORT_JIT ON)
set(UTF8PROC_INSTALL OFF)
set(UTF8PROC_ENABLE_TESTING OFF)

# Projects that ask for an older CMake heed these as well.
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)

include(FetchMissing)
find_package(CLI11 QUIET)  # 2.1 to 2.7
if(NOT CLI11_FOUND)
  continuo_fetch(CLI11 libcli11-dev https://github.com/CLIUtils/CLI11.git v2.1.2)
endif()
find_package(fmt QUIET)
if(NOT fmt_FOUND)
  continuo_fetch(fmt libfmt-dev https://github.com/fmtlib/fmt.git 9.1.0)
endif()
if(fmt_FOUND)  # spdlog's package looks for it
  find_package(spdlog QUIET)
endif()
if(NOT spdlog_FOUND)
  continuo_fetch(spdlog libspdlog-dev https://github.com/gabime/spdlog.git v1.10.0)
endif()
find_package(nlohmann_json QUIET)
if(NOT nlohmann_json_FOUND)
  continuo_fetch(nlohmann_json nlohmann-json3-dev https://github.com/nlohmann/json.git v3.11.2)
endif()
find_package(hwy QUIET)
if(NOT hwy_FOUND)
  continuo_fetch(hwy libhwy-dev https://github.com/google/highway.git 1.0.3)
endif()
# PCRE2 and utf8proc ship pkg-config files on Debian and no CMake package.
if(PkgConfig_FOUND)
  pkg_check_modules(PCRE2 QUIET IMPORTED_TARGET libpcre2-8)
  pkg_check_modules(UTF8PROC QUIET IMPORTED_TARGET libutf8proc)
endif()
if(NOT PCRE2_FOUND)
  continuo_fetch(pcre2 libpcre2-dev https://github.com/PCRE2Project/pcre2.git pcre2-10.42)
endif()
if(NOT UTF8PROC_FOUND)
  continuo_fetch(utf8proc libutf8proc-dev https://github.com/JuliaStrings/utf8proc.git v2.8.0)
endif()
if(CONTINUO_TESTS)
  find_package(Catch2 QUIET)  # version 2 or 3
  if(NOT Catch2_FOUND)
    continuo_fetch(Catch2 catch2 https://github.com/catchorg/Catch2.git v2.13.10)
  endif()
endif()

continuo_fetch_missing()

# Boost.Beast (headers alone), for `continuo serve`; without it the binary says that it has no server.
if(CONTINUO_SERVER)
  find_package(Boost 1.74 QUIET)
  if(NOT Boost_FOUND)
    message(STATUS "Boost not found (libboost-dev): the binary will have no server (continuo serve)")
  endif()
endif()

# libcurl's headers, for `continuo pull`; the library is loaded when that runs (src/hub/http_curl.cpp).
find_path(CURL_INCLUDE_FOLDER curl/curl.h)
if(NOT CURL_INCLUDE_FOLDER)
  message(STATUS "libcurl's headers not found (libcurl4-openssl-dev): the binary will not fetch models (continuo pull)")
endif()

include(LinkPackages)
