# What `cmake --install` puts where, and the Debian package.
include(CMakePackageConfigHelpers)

# Two sets of exported targets: only the static library needs the libraries that it is made of.
install(TARGETS safechunk EXPORT safechunk-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS safechunk_static EXPORT safechunk-static-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/safechunk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(SAFECHUNK_BUILD_CLI)
  install(TARGETS safechunk_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES cli/safechunk.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES cli/completion/safechunk.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME safechunk)
  install(FILES cli/completion/safechunk.zsh
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _safechunk)
  install(FILES cli/completion/safechunk.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/safechunk)
install(EXPORT safechunk-targets NAMESPACE safechunk:: DESTINATION ${config_dir})
install(EXPORT safechunk-static-targets NAMESPACE safechunk:: DESTINATION ${config_dir})
configure_package_config_file(cmake/safechunk-config.cmake.in
  ${PROJECT_BINARY_DIR}/safechunk-config.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/safechunk-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/safechunk-config.cmake
  ${PROJECT_BINARY_DIR}/safechunk-config-version.cmake DESTINATION ${config_dir})
# Relative, so that it is right wherever the files are installed or packaged to.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
# Named in Libs.private and not in Requires.private, which pkg-config looks up for every user: the
# shared library must not need the development files of libzip.
list(JOIN SAFECHUNK_ZIP_LDFLAGS " " pc_zip)
list(JOIN SAFECHUNK_DEFLATE_LDFLAGS " " pc_deflate)
list(JOIN SAFECHUNK_UTF8PROC_LDFLAGS " " pc_utf8proc)
set(pc_private_libraries "${pc_zip} ${pc_deflate} ${pc_utf8proc}")
configure_file(cmake/safechunk.pc.in ${PROJECT_BINARY_DIR}/safechunk.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/safechunk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()
set(CPACK_PACKAGE_NAME safechunk)
set(CPACK_PACKAGE_CONTACT "SafeChunkEngine contributors <safechunk@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
include(CPack)
