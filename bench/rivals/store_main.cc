#include "rivals/store.h"

namespace bench {
namespace {

void update(const Request& request, Answer& answer, Store& store) {
  Document document(request.document);
  measure(request, answer, [&] { store.put(0, "hot", document.next()); });
}

void edit(const Request& request, Answer& answer, Store& store) {
  store.put(0, "hot", Document(request.document).text());
  std::uint64_t revision = 0;
  measure(request, answer, [&] { store.set_value("hot", small_value(++revision)); });
}

void batch(const Request& request, Answer& answer, Store& store) {
  Document document(request.document);
  Edits edits(request.chunks);
  measure(request, answer, [&] {
    for (std::size_t i = 0; i < edits.size(); ++i) edits[i] = {chunk_name(i), document.next()};
    store.put_all(edits);
  });
}

void threads(const Request& request, Answer& answer, Store& store) {
  std::vector<Document> documents(request.threads, Document(request.document));
  measure_threads(request, answer, [&](std::size_t thread) {
    store.put(thread, chunk_name(thread), documents[thread].next());
  });
}

void processes(const Request& request, Answer& answer) {
  { (void)open_store(request); }  // makes it, before they all come
  measure_processes(request, answer, [&] {
    const std::shared_ptr<Store> store = open_store(request);
    auto document = std::make_shared<Document>(request.document);
    return [store, document] { store->update("hot", document->next()); };
  });
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const bench::Request request = bench::parse(argc, argv);
  bench::Answer answer;
  if (request.work == "processes") {
    bench::processes(request, answer);
  } else {
    const auto store = bench::open_store(request);
    if (request.work == "update") {
      bench::update(request, answer, *store);
    } else if (request.work == "edit") {
      bench::edit(request, answer, *store);
    } else if (request.work == "batch") {
      bench::batch(request, answer, *store);
    } else {
      bench::require(request.work == "threads", "rivals do not do this work");
      bench::threads(request, answer, *store);
    }
  }
  answer.print();
}
