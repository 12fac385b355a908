// SAFECHUNK_EXPORT marks what the shared library exports; everything else is hidden.
#pragma once

#if defined(SAFECHUNK_STATIC)
#define SAFECHUNK_EXPORT
#elif defined(_WIN32)
#if defined(SAFECHUNK_BUILDING)
#define SAFECHUNK_EXPORT __declspec(dllexport)
#else
#define SAFECHUNK_EXPORT __declspec(dllimport)
#endif
#else
#define SAFECHUNK_EXPORT [[gnu::visibility("default")]]
#endif
