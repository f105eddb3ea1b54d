# Sourced by scripts/run and scripts/test: the Debian packages that the build needs, installed only where missing.

continuo_packages=(g++ cmake ninja-build pkg-config libcli11-dev libfmt-dev libspdlog-dev
  nlohmann-json3-dev libboost-dev libcurl4-openssl-dev libhwy-dev libpcre2-dev libutf8proc-dev)

# What other systems call them, as far as their package lists say; CMake finds them or says what is missing.
other_packages() {
  if command -v dnf >/dev/null; then
    echo "dnf install gcc-c++ cmake ninja-build pkgconf cli11-devel fmt-devel spdlog-devel json-devel boost-devel" \
      "libcurl-devel google-highway-devel pcre2-devel pcre2-static utf8proc-devel catch-devel"
  elif command -v apk >/dev/null; then
    echo "apk add g++ cmake samurai pkgconf cli11 fmt-dev spdlog-dev nlohmann-json boost-dev curl-dev highway-dev" \
      "pcre2-dev pcre2-static utf8proc-dev catch2-3"
  elif command -v brew >/dev/null; then
    echo "brew install cmake ninja pkg-config cli11 fmt spdlog nlohmann-json boost curl highway pcre2 utf8proc catch2"
  fi
}

# install_packages [MORE...]: all messages go to stderr.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "not Debian: nothing is installed. If the build stops, this is what it wants: $(other_packages)" >&2
    return 0
  fi
  local missing=() package
  for package in "${continuo_packages[@]}" "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  echo "installing ${missing[*]}" >&2
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 </dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >&2 </dev/null
}

# configure SOURCE BUILD [-D...]: with Ninja, and ccache where there is one.
configure() {
  local source=$1 build=$2
  shift 2
  local options=("$@")
  [[ -f $build/CMakeCache.txt ]] || options+=(-G Ninja)
  if command -v ccache >/dev/null; then options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake -S "$source" -B "$build" "${options[@]}" </dev/null
}
