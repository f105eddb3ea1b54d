# Libraries that the system does not have are fetched with git, or their sources are given (-DFETCHCONTENT_SOURCE_DIR_NAME=
# FOLDER). Where neither works, one message says which packages to install.
option(CONTINUO_FETCH "Fetch libraries that are missing, with git" ON)

set(continuo_missing "")           # as FetchContent calls them
set(continuo_missing_packages "")  # as Debian calls them
set(continuo_to_clone "")          # repository and tag of those whose sources are not here yet

# Declares where `name` comes from, and that it is missing.
macro(continuo_fetch name package repository tag)
  set(exclude "")
  if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.28)
    set(exclude EXCLUDE_FROM_ALL)  # nothing of it is installed
  endif()
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${tag} GIT_SHALLOW ON SYSTEM ${exclude})
  list(APPEND continuo_missing ${name})
  list(APPEND continuo_missing_packages ${package})
  string(TOUPPER ${name} upper)
  string(TOLOWER ${name} lower)
  if(NOT FETCHCONTENT_SOURCE_DIR_${upper} AND NOT EXISTS ${CMAKE_BINARY_DIR}/_deps/${lower}-src)
    list(APPEND continuo_to_clone ${repository} ${tag})
  endif()
endmacro()

# Whether the first repository answers: where it does not, git would say so at length for each of them.
function(continuo_can_clone result)
  set(${result} FALSE PARENT_SCOPE)
  find_package(Git QUIET)
  if(NOT CONTINUO_FETCH OR FETCHCONTENT_FULLY_DISCONNECTED OR NOT GIT_FOUND)
    return()
  endif()
  list(GET continuo_to_clone 0 repository)
  list(GET continuo_to_clone 1 tag)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_TERMINAL_PROMPT=0 ${GIT_EXECUTABLE} ls-remote --exit-code ${repository} ${tag}
                  TIMEOUT 30 RESULT_VARIABLE failure OUTPUT_QUIET ERROR_QUIET)
  if(failure EQUAL 0)
    set(${result} TRUE PARENT_SCOPE)
  endif()
endfunction()

macro(continuo_fetch_missing)
  if(continuo_missing)
    string(JOIN ", " names ${continuo_missing})
    string(JOIN " " packages ${continuo_missing_packages})
    if(NOT PkgConfig_FOUND)  # without it two libraries are not seen although they may be there
      set(packages "pkg-config ${packages}")
    endif()
    set(clone TRUE)
    if(continuo_to_clone)
      continuo_can_clone(clone)
    endif()
    if(NOT clone)
      message(FATAL_ERROR "Missing, and not to be fetched with git: ${names}.\n"
              "Debian, Ubuntu:\n  apt-get install ${packages}\n"
              "Other systems: scripts/packages.sh lists their packages. Sources that are here already: "
              "-DFETCHCONTENT_SOURCE_DIR_NAME=FOLDER for each, NAME in capitals.")
    endif()
    message(STATUS "Not found, so fetched and built here: ${names} (the system's packages: ${packages})")
    FetchContent_MakeAvailable(${continuo_missing})
  endif()
endmacro()
