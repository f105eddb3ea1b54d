# Sourced by scripts/run and scripts/test: the Debian packages that the build needs, installed only where missing.

continuo_packages=(g++ cmake ninja-build pkg-config libcli11-dev libfmt-dev libspdlog-dev
  nlohmann-json3-dev libboost-dev libhwy-dev libpcre2-dev libutf8proc-dev)

# install_packages [MORE...]: all messages go to stderr.
install_packages() {
  command -v dpkg-query >/dev/null || return 0  # not Debian: CMake finds or fetches what it needs, or says what is missing
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
