// Any bytes as a journal: read without harm, and every record that is accepted is sound.

#include "fuzz_support.h"
#include "storage/files/project_layout.h"
#include "storage/journal/journal.h"
#include "support/sim_file_system.h"

using namespace safechunk;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::SimFileSystem file_system;
  auto root = file_system.open_directory("/").value();
  auto file = root->open(layout::kJournal, OpenMode::create).value();
  (void)file->write_at(0, as_text(data, size)).value();
  JournalContents contents;
  const Status status = Journal::read(*root, contents);
  std::uint64_t last = 0;
  for (const auto& record : contents.records) {
    require(status.ok() && record->sequence() > last);
    last = record->sequence();
    for (std::size_t i = 0; i < record->operations().size(); ++i) {
      const JournalOperation& operation = record->operations()[i];
      require(operation.removal || digest_of(record->text(i)) == operation.text_digest);
    }
  }
  return 0;
}
