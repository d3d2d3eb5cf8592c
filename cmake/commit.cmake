# SPDX-License-Identifier: BSD-2-Clause
#
# TARGREY_COMMIT  " (0123456789ab)", with "+" after it when files were changed; ""
#                 outside a git checkout
# TARGREY_EPOCH   when that was committed, seconds since 1970; that of the Debian
#                 changelog otherwise
set(TARGREY_COMMIT "")
set(TARGREY_EPOCH 1795953600)

find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${CMAKE_SOURCE_DIR} log -1 --format=%h,%ct --abbrev=12
    OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  execute_process(COMMAND ${git} -C ${CMAKE_SOURCE_DIR} rev-parse --show-toplevel
    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
# A checkout of its own, not some other that the tree was unpacked in.
if(git AND failed EQUAL 0 AND top STREQUAL CMAKE_SOURCE_DIR AND head MATCHES "^([0-9a-f]+),([0-9]+)$")
  set(commit ${CMAKE_MATCH_1})
  set(TARGREY_EPOCH ${CMAKE_MATCH_2})
  execute_process(COMMAND ${git} -C ${CMAKE_SOURCE_DIR} status --porcelain --untracked-files=no
    OUTPUT_VARIABLE changed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(changed)
    string(APPEND commit "+")
  endif()
  set(TARGREY_COMMIT " (${commit})")
  execute_process(COMMAND ${git} -C ${CMAKE_SOURCE_DIR} rev-parse --git-path logs/HEAD
    OUTPUT_VARIABLE log OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  get_filename_component(log "${log}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  if(EXISTS ${log})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${log})
  endif()
endif()
