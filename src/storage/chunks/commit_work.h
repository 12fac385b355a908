// What a commit knows of each of its edits on the way.
#pragma once

#include <optional>
#include <string>

#include "storage/chunks/commit.h"
#include "storage/chunks/version_book.h"
#include "storage/chunks/write_guard.h"
#include "storage/files/durable_file.h"
#include "storage/files/inspection.h"
#include "storage/files/project_folders.h"

namespace safechunk {

// The error of an edit that waits for another program.
Status being_edited();
// The error of one whose file was changed or removed since it was looked at: the next try looks
// anew.
Status changed_meanwhile();

// What is under the chunk's name before the commit.
struct PresentFile {
  FileHealth health = FileHealth::missing;
  FileInfo info;
  std::optional<KnownVersion> version;  // of a usable file
  std::string damaged_bytes;            // of a damaged one
  std::string damage;                   // what is wrong with it

  [[nodiscard]] Digest text_digest() const {
    if (version) return version->text_digest;
    return health == FileHealth::missing ? kAbsentDigest : kUnknownDigest;
  }
};

// One edit on its way.
struct Work {
  const ChunkEdit* edit = nullptr;
  PresentFile present;
  std::optional<TemporaryFile> temporary;
  std::optional<TemporaryFile> backup;  // what is there, where it is to become the backup
  bool backup_is_link = false;          // the backup is, or will be, the very file that is there
  WriteGuard guard;                     // holds off writers of what is there
  bool unchanged = false;
  bool ctime_may_differ = false;  // a hard link to what is there was made since it was looked at
  bool published = false;
  Status status;

  // The file that is there; nullptr: none.
  [[nodiscard]] const FileInfo* found() const {
    return present.health == FileHealth::missing ? nullptr : &present.info;
  }
  [[nodiscard]] bool pending() const { return status.ok() && !unchanged; }
  // False if another program replaced the file after this edit was staged. Until the commit is
  // durable, a power cut may bring that program's version back.
  [[nodiscard]] bool is_as_staged() const;
  // Whether neither file nor backup is there.
  [[nodiscard]] bool is_absent(Directory& backups) const;
  // Whether the file has the edit's text and mode already, and is durable or can be made so.
  [[nodiscard]] bool is_equal(const FileRights& rights) const;
  // G5: only a valid, durable and distinct version may replace the backup. A version that was found
  // on disk is what the user has: it is made durable first.
  [[nodiscard]] bool is_worth_a_backup() const;
  // Of the new file: it is like the one that is there (G14), or like the backup where the file was
  // lost.
  [[nodiscard]] Result<FileAttributes> attributes(const ProjectFolders& folders,
                                                  std::uint32_t journal_token) const;
};

}  // namespace safechunk
