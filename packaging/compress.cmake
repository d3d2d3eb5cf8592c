# SPDX-License-Identifier: BSD-2-Clause
# What Debian wants compressed, in the folder that becomes the package.
set(top "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}")
file(GLOB_RECURSE files
  "${top}/share/man/man?/*.[1-8]"
  "${top}/share/doc/${package}/changelog.Debian"
  "${top}/share/doc/${package}/NEWS.Debian"
  "${top}/share/doc/${package}/changelog")
foreach(file ${files})
  execute_process(COMMAND gzip -9nf "${file}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
