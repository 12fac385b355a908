// usage: consumer FOLDER. Saves, reads back, and catches an exception of the library.
#include <iostream>
#include <nlohmann/json.hpp>
#include <safechunk/nlohmann.hpp>
#include <safechunk/safechunk.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  safechunk::EngineOptions options;
  options.base_dir = argv[1];
  safechunk::SafeChunkEngine engine("project", options);
  engine.stage_update(nlohmann::json{{"name", "Alice"}}, "users").throw_if_error();
  engine.force_sync().throw_if_error();
  const auto users = engine.fetch_chunk<nlohmann::json>("users").value();
  engine.detach().throw_if_error();
  try {
    engine.force_sync().throw_if_error();
    return 1;
  } catch (const safechunk::Exception& exception) {
    if (exception.error().code != safechunk::ErrorCode::not_owner) return 1;
  }
  std::cout << users.at("name").get<std::string>() << " from " << safechunk::version() << "\n";
  return 0;
}
