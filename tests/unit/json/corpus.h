// The JSON documents of tests/corpus/json.
#pragma once

#include <string>
#include <vector>

namespace safechunk::json {

// In the order of their names; a failure of the calling test when there is none.
[[nodiscard]] std::vector<std::string> corpus_texts();

}  // namespace safechunk::json
