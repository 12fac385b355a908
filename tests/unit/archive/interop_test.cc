// Other programs open our archives, and we open theirs: Info-ZIP's zip and unzip and Python's
// zipfile, which must be installed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "archive/zip_reader.h"
#include "archive/zip_writer.h"
#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

using Contents = std::map<std::string, std::string>;

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  ASSERT_TRUE(file.good());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Interop : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("safechunk-interop-" + std::to_string(std::random_device()()));
    ASSERT_TRUE(std::filesystem::create_directory(folder_));
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The exit code of a shell command run in the folder; what it prints is in output().
  int run(const std::string& command) {
    const std::string line =
        "cd '" + folder_.string() + "' && { " + command + "; } >output.txt 2>&1 </dev/null";
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  [[nodiscard]] std::string output() const { return read_file(folder_ / "output.txt"); }

  int run_python(const std::string& script) {
    write_file(folder_ / "script.py", "import zipfile, sys, time\n" + script);
    return run("python3 script.py");
  }

  // Writes ours.zip.
  void write_ours(const Contents& contents) {
    std::vector<EntryToWrite> entries;
    for (const auto& [name, content] : contents) {
      entries.push_back(
          {name, 1'700'000'000, 0640, [bytes = content] { return Result<std::string>(bytes); }});
    }
    MemorySink sink;
    ASSERT_TRUE(write_zip(sink, std::move(entries), {}).ok());
    write_file(folder_ / "ours.zip", sink.bytes);
  }

  [[nodiscard]] Contents read_theirs(const std::string& file) const {
    return contents_of(read_file(folder_ / file));
  }

  std::filesystem::path folder_;
};

const Contents kContents = {{"checkpoint_meta.json", "{}\n"},
                            {"chunks/users.json", std::string(100'000, ' ') + "[]\n"},
                            {"chunks/\u00e4\u20ac.json", "\"\u00e4\"\n"},
                            {"chunks/empty.json", ""}};

TEST_F(Interop, UnzipTestsAndExtractsOurs) {
  write_ours(kContents);
  EXPECT_EQ(run("unzip -t ours.zip"), 0) << output();
  EXPECT_NE(output().find("No errors detected"), std::string::npos) << output();
  ASSERT_EQ(run("LC_ALL=C.UTF-8 unzip -q ours.zip -d out"), 0) << output();
  for (const auto& [name, content] : kContents) {
    const std::filesystem::path path = folder_ / "out" / name;
    EXPECT_TRUE(read_file(path) == content) << name;
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0640));
  }
}

TEST_F(Interop, PythonTestsAndReadsOurs) {
  write_ours(kContents);
  EXPECT_EQ(run("python3 -m zipfile -t ours.zip"), 0) << output();
  EXPECT_EQ(run_python(R"(
z = zipfile.ZipFile("ours.zip")
assert z.testzip() is None
assert z.namelist()[-1] == "chunks/\u00e4\u20ac.json", z.namelist()
assert z.read("chunks/users.json") == b" " * 100000 + b"[]\n"
for info in z.infolist():
    assert info.external_attr >> 16 == 0o100640
    assert info.create_system == 3
    assert info.date_time == time.localtime(1700000000)[:6], info.date_time
    assert info.compress_type == zipfile.ZIP_DEFLATED
    # Bit 11 says that the name is UTF-8. Where the name is ASCII, libzip sets it from version 1.11 on.
    assert info.filename.isascii() or info.flag_bits & 0x800
)"),
            0)
      << output();
}

TEST_F(Interop, OthersReadOursWithMoreEntriesThanSixteenBitsCount) {
  Contents contents;
  for (int i = 0; i < 65'600; ++i) contents[std::to_string(i)] = std::to_string(i);
  write_ours(contents);
  EXPECT_EQ(run("unzip -tqq ours.zip"), 0) << output();
  EXPECT_EQ(run_python(R"(
z = zipfile.ZipFile("ours.zip")
assert len(z.namelist()) == 65600
assert z.testzip() is None
)"),
            0)
      << output();
}

TEST_F(Interop, OthersReadOursWithoutEntries) {
  write_ours({});
  EXPECT_EQ(run("python3 -m zipfile -t ours.zip"), 0) << output();
  EXPECT_EQ(run("unzip -t ours.zip"), 1) << output();  // 1: a warning
  EXPECT_NE(output().find("zipfile is empty"), std::string::npos) << output();
}

TEST_F(Interop, ReadsWhatPythonWrites) {
  const std::string fill = R"(
def fill(z):
    for name, text in (("checkpoint_meta.json", "{}\n"),
                       ("chunks/users.json", " " * 100000 + "[]\n"),
                       ("chunks/\u00e4\u20ac.json", "\"\u00e4\"\n"), ("chunks/empty.json", "")):
        z.writestr(name, text)
)";
  const std::vector<std::string> ways = {
      "fill(zipfile.ZipFile('theirs.zip', 'w', zipfile.ZIP_DEFLATED))",
      "fill(zipfile.ZipFile('theirs.zip', 'w', zipfile.ZIP_STORED))",
      // Not seekable: sizes in data descriptors.
      "out = open('theirs.zip', 'wb')\n"
      "class Pipe:\n"
      "    def write(self, b): return out.write(b)\n"
      "    def flush(self): out.flush()\n"
      "z = zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED); fill(z); z.close(); out.close()",
      // Zip64 everywhere.
      "zipfile.ZIP_FILECOUNT_LIMIT = 1\n"
      "plain = zipfile.ZipFile.open\n"
      "zipfile.ZipFile.open = lambda z, name, mode: plain(z, name, mode, force_zip64=True)\n"
      "z = zipfile.ZipFile('theirs.zip', 'w', zipfile.ZIP_DEFLATED); fill(z); z.close()",
      "z = zipfile.ZipFile('theirs.zip', 'w', zipfile.ZIP_DEFLATED)\n"
      "fill(z); z.comment = b'a comment'; z.close()",
      "z = zipfile.ZipFile('theirs.zip', 'w'); z.writestr('checkpoint_meta.json', '{}\\n')\n"
      "z.close(); z = zipfile.ZipFile('theirs.zip', 'a', zipfile.ZIP_DEFLATED)\n"
      "z.writestr('chunks/users.json', ' ' * 100000 + '[]\\n')\n"
      "z.writestr('chunks/\\u00e4\\u20ac.json', '\"\\u00e4\"\\n')\n"
      "with z.open('chunks/empty.json', 'w', force_zip64=True) as f: pass\n"
      "z.close()"};
  for (const std::string& way : ways) {
    SCOPED_TRACE(way);
    ASSERT_EQ(run_python(fill + way), 0) << output();
    EXPECT_TRUE(read_theirs("theirs.zip") == kContents);
  }
}

TEST_F(Interop, ReadsWhatInfoZipWrites) {
  for (const auto& [name, content] : kContents) {
    std::filesystem::create_directories((folder_ / "in" / name).parent_path());
    write_file(folder_ / "in" / name, content);
  }
  const std::vector<std::string> ways = {
      "zip -rD ../theirs.zip .",     "zip -rD -9 ../theirs.zip .",
      "zip -rD -0 ../theirs.zip .",  "zip -rD -fz ../theirs.zip .",
      "zip -rD - . >../theirs.zip",  "zip -rDX ../theirs.zip .",
      "zip -rD -fd ../theirs.zip .", "zip -rD -z ../theirs.zip . <checkpoint_meta.json"};
  for (const std::string& way : ways) {
    SCOPED_TRACE(way);
    std::filesystem::remove(folder_ / "theirs.zip");
    ASSERT_EQ(run("cd in && export LC_ALL=C.UTF-8 && " + way), 0) << output();
    EXPECT_TRUE(read_theirs("theirs.zip") == kContents);
  }
}

TEST_F(Interop, RefusesWhatInfoZipWritesBeyondRegularFiles) {
  const auto expect_unsupported = [&](const std::string& command, const std::string& why) {
    ASSERT_EQ(run(command), 0) << output();
    expect_refused(read_file(folder_ / "theirs.zip"), ErrorCode::unsupported_format, why);
    std::filesystem::remove(folder_ / "theirs.zip");
  };
  std::filesystem::create_directory(folder_ / "chunks");
  write_file(folder_ / "chunks" / "a.json", std::string(10'000, ' ') + "{}\n");
  std::filesystem::create_symlink("/etc/passwd", folder_ / "link");
  expect_unsupported("zip -r theirs.zip chunks", "'chunks/': its name is that of a directory");
  expect_unsupported("zip -y theirs.zip link", "'link': it is a symbolic link");
  expect_unsupported("zip -P secret theirs.zip chunks/a.json", "'chunks/a.json': it is encrypted");
  expect_unsupported("zip -Z bzip2 theirs.zip chunks/a.json", "neither store nor deflate");
}

}  // namespace
}  // namespace safechunk::archive
