// The yardstick of Hearth's table benchmark: std::unordered_map<std::string, std::string> in 64 shards, a mutex
// each. It is what a competent C++ program writes first when several threads share a map, and it is measured
// in the same run as Hearth, on the same machine, with the same rules as the JavaScript side (src/bench):
//
// - keys are 16-byte strings made just before the timed loop, one object an operation, in random order;
// - values are made beforehand too; a set copies them in, a get copies them out into a std::string;
// - threads start together on a barrier; the time is from the first start to the last end.
//
// Not a library and not tuned: no reserve, no custom allocator, the standard hash.
//
//   g++ -O2 -std=c++17 -pthread striped-map.cpp -o striped-map
//   ./striped-map --keys 1000000 --value-bytes 100 --threads 2 --ops set-new,get,set-update --rounds 3
//
// Operations: set-new, get, get-many, set-update, delete, mix:READ_PERCENT, hot-get, hot-set, hot-get-same.
// get, get-many, set-update and delete take each key once; a mix draws keys with replacement, --distribution uniform
// or zipf (exponent 0.99).
// Each round begins with a new table; it is filled untimed unless the list begins with set-new.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <malloc.h>
#define HAS_MALLINFO2 1
#endif

namespace {

constexpr size_t kShards = 64;
constexpr double kZipfExponent = 0.99;

class StripedMap {
 public:
  bool get(const std::string& key, std::string& out) {
    Shard& shard = shardOf(key);
    std::lock_guard<std::mutex> guard(shard.mutex);
    auto found = shard.map.find(key);
    if (found == shard.map.end()) return false;
    out = found->second;
    return true;
  }

  void set(const std::string& key, const std::string& value) {
    Shard& shard = shardOf(key);
    std::lock_guard<std::mutex> guard(shard.mutex);
    shard.map[key] = value;
  }

  bool erase(const std::string& key) {
    Shard& shard = shardOf(key);
    std::lock_guard<std::mutex> guard(shard.mutex);
    return shard.map.erase(key) == 1;
  }

 private:
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::string> map;
  };
  Shard shards_[kShards];

  Shard& shardOf(const std::string& key) { return shards_[std::hash<std::string>{}(key) % kShards]; }
};

struct Options {
  uint32_t keys = 1000000;
  uint32_t valueBytes = 100;
  uint32_t threads = 1;
  uint32_t rounds = 3;
  uint32_t hotKeys = 1000;
  uint32_t hotOperations = 1000000;
  uint32_t batch = 64;
  uint32_t mixOperations = 0;  // of each mix; 0: as many as there are keys
  uint32_t mostOperations = 100000000;  // no operation but set-new is timed more often
  std::string distribution = "uniform";
  std::vector<std::string> ops = {"set-new", "get", "set-update"};
};

// xorshift32: enough to shuffle with, and the same few lines on the JavaScript side.
struct Random {
  uint32_t state;
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
  }
  uint32_t below(uint32_t limit) { return uint32_t((uint64_t(next()) * limit) >> 32); }
};

// A bijection of 32-bit numbers (the finalizer of murmur3), so that different indices give different keys.
uint32_t mix32(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

std::string makeKey(uint32_t index) {
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", mix32(index), mix32(index ^ 0x5bd1e995u));
  return std::string(text, 16);
}

char lastLetter(uint32_t index, uint32_t revision) { return char('a' + (index + revision) % 26); }

std::string makeValue(uint32_t index, uint32_t revision, uint32_t bytes) {
  std::string value(bytes, 'v');
  value[bytes - 1] = lastLetter(index, revision);
  return value;
}

// Which keys an operation touches, in which order, for all threads together.
std::vector<uint32_t> sequenceOf(const std::string& kind, const Options& options, uint32_t seed) {
  Random random{seed};
  if (kind == "hot") {
    std::vector<uint32_t> indices(options.hotOperations);
    const uint32_t hot = std::min(options.hotKeys, options.keys);
    const uint32_t stride = options.keys / hot;
    for (auto& index : indices) index = random.below(hot) * stride;
    return indices;
  }
  const uint32_t draws = options.mixOperations == 0 ? options.keys : options.mixOperations;
  if (kind == "mix" && options.distribution == "uniform") {
    std::vector<uint32_t> drawn(draws);
    for (auto& index : drawn) index = random.below(options.keys);
    return drawn;
  }
  std::vector<uint32_t> indices(options.keys);
  std::iota(indices.begin(), indices.end(), 0);
  for (uint32_t i = options.keys - 1; i > 0; i--) std::swap(indices[i], indices[random.below(i + 1)]);
  if (kind == "fill") return indices;
  if (kind == "once") {
    indices.resize(std::min(options.keys, options.mostOperations));
    return indices;
  }
  std::vector<double> cumulative(options.keys);
  double total = 0;
  for (uint32_t rank = 0; rank < options.keys; rank++) cumulative[rank] = total += 1 / std::pow(rank + 1, kZipfExponent);
  std::vector<uint32_t> drawn(draws);
  for (auto& index : drawn) {
    const double at = (random.next() / 4294967296.0) * total;
    const auto rank = std::upper_bound(cumulative.begin(), cumulative.end(), at) - cumulative.begin();
    index = indices[std::min<size_t>(size_t(rank), options.keys - 1)];
  }
  return drawn;
}

// Threads meet here before the clock starts; spinning, so that none starts late by a wake-up.
class StartLine {
 public:
  explicit StartLine(uint32_t threads) : missing_(threads) {}
  void wait() {
    missing_.fetch_sub(1);
    while (missing_.load() > 0) std::this_thread::yield();
  }

 private:
  std::atomic<int> missing_;
};

using Clock = std::chrono::steady_clock;

struct Outcome {
  Clock::time_point begin, end;
  bool correct = true;
};

void fail(const std::string& message) {
  std::fprintf(stderr, "striped-map: %s\n", message.c_str());
  std::exit(1);
}

// One thread's share of one operation: everything is made first, then the line, then the timed loop, then the check.
Outcome runShare(StripedMap& map, const std::string& op, const Options& options, const uint32_t* indices,
                 uint32_t count, uint32_t revision, StartLine& line) {
  const bool mixed = op.rfind("mix:", 0) == 0;
  const uint32_t readPercent = mixed ? uint32_t(std::atoi(op.c_str() + 4)) : 0;
  const bool writes = op == "set-new" || op == "set-update" || op == "hot-set" || mixed;
  const bool sameObjects = op == "hot-get-same";
  std::vector<std::string> keys, values;
  std::vector<uint32_t> slots;
  std::vector<uint8_t> reads;
  Random random{0x9e3779b9u + count};
  uint64_t expected = 0, sum = 0;
  if (sameObjects) {
    const uint32_t hot = std::min(options.hotKeys, options.keys);
    const uint32_t stride = options.keys / hot;
    for (uint32_t i = 0; i < hot; i++) keys.push_back(makeKey(i * stride));
    for (uint32_t i = 0; i < count; i++) slots.push_back(indices[i] / stride);
  } else {
    keys.reserve(count);
    for (uint32_t i = 0; i < count; i++) keys.push_back(makeKey(indices[i]));
  }
  if (writes) values.reserve(count);
  for (uint32_t i = 0; i < count; i++) {
    if (writes) values.push_back(makeValue(indices[i], revision, options.valueBytes));
    if (mixed) reads.push_back(random.below(100) < readPercent);
    if (!writes || (mixed && reads[i])) expected += uint64_t(lastLetter(indices[i], revision));
  }
  Outcome outcome;
  line.wait();
  outcome.begin = Clock::now();
  if (op == "get" || op == "hot-get") {
    std::string value;
    for (uint32_t i = 0; i < count; i++) {
      if (map.get(keys[i], value)) sum += uint64_t(value.back());
    }
  } else if (sameObjects) {
    std::string value;
    for (uint32_t i = 0; i < count; i++) {
      if (map.get(keys[slots[i]], value)) sum += uint64_t(value.back());
    }
  } else if (op == "get-many") {
    std::vector<std::string> batch(options.batch);
    for (uint32_t from = 0; from < count; from += options.batch) {
      const uint32_t size = std::min(options.batch, count - from);
      for (uint32_t i = 0; i < size; i++) {
        if (!map.get(keys[from + i], batch[i])) batch[i].assign(1, '\0');
      }
      for (uint32_t i = 0; i < size; i++) sum += uint64_t(batch[i].back());
    }
  } else if (op == "delete") {
    for (uint32_t i = 0; i < count; i++) {
      if (map.erase(keys[i])) sum += uint64_t(lastLetter(indices[i], revision));
    }
  } else if (mixed) {
    std::string value;
    for (uint32_t i = 0; i < count; i++) {
      if (reads[i]) {
        if (map.get(keys[i], value)) sum += uint64_t(value.back());
      } else {
        map.set(keys[i], values[i]);
      }
    }
  } else {
    for (uint32_t i = 0; i < count; i++) map.set(keys[i], values[i]);
  }
  outcome.end = Clock::now();
  outcome.correct = sum == expected;
  return outcome;
}

struct Timing {
  double seconds;
  uint32_t operations;
};

Timing runOperation(StripedMap& map, const std::string& op, const Options& options, uint32_t revision, uint32_t seed) {
  const bool hot = op.rfind("hot-", 0) == 0;
  const bool mixed = op.rfind("mix:", 0) == 0;
  const auto indices = sequenceOf(hot ? "hot" : mixed ? "mix" : op == "set-new" ? "fill" : "once", options, seed);
  const uint64_t operations = indices.size();
  StartLine line(options.threads);
  std::vector<Outcome> outcomes(options.threads);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < options.threads; t++) {
    const uint32_t from = uint32_t(operations * t / options.threads);
    const uint32_t to = uint32_t(operations * (t + 1) / options.threads);
    threads.emplace_back([&, t, from, to] {
      outcomes[t] = runShare(map, op, options, indices.data() + from, to - from, revision, line);
    });
  }
  for (auto& thread : threads) thread.join();
  auto begin = outcomes[0].begin;
  auto end = outcomes[0].end;
  for (const auto& outcome : outcomes) {
    if (!outcome.correct) fail(op + " read a wrong value");
    begin = std::min(begin, outcome.begin);
    end = std::max(end, outcome.end);
  }
  return {std::chrono::duration<double>(end - begin).count(), uint32_t(operations)};
}

// What malloc has handed out, 0 where the C library does not say.
size_t allocatedBytes() {
#ifdef HAS_MALLINFO2
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

std::vector<std::string> splitList(const std::string& text) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (from <= text.size()) {
    const size_t comma = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

bool isOperation(const std::string& op) {
  static const std::vector<std::string> names = {"set-new", "get",     "get-many", "set-update",
                                                 "delete",  "hot-get", "hot-set",  "hot-get-same"};
  if (std::find(names.begin(), names.end(), op) != names.end()) return true;
  if (op.rfind("mix:", 0) != 0) return false;
  const int percent = std::atoi(op.c_str() + 4);
  return percent >= 0 && percent <= 100 && op.size() > 4;
}

uint32_t countOf(const char* name, const char* text) {
  char* rest = nullptr;
  const long long value = std::strtoll(text, &rest, 10);
  if (*rest != '\0' || value < 1 || value > 100000000) fail(std::string(name) + " must be 1..100000000");
  return uint32_t(value);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 >= argc) fail(name + " needs a value");
    const char* value = argv[i + 1];
    if (name == "--keys") options.keys = countOf("--keys", value);
    else if (name == "--value-bytes") options.valueBytes = countOf("--value-bytes", value);
    else if (name == "--threads") options.threads = countOf("--threads", value);
    else if (name == "--rounds") options.rounds = countOf("--rounds", value);
    else if (name == "--hot-keys") options.hotKeys = countOf("--hot-keys", value);
    else if (name == "--hot-operations") options.hotOperations = countOf("--hot-operations", value);
    else if (name == "--batch") options.batch = countOf("--batch", value);
    else if (name == "--mix-operations") options.mixOperations = countOf("--mix-operations", value);
    else if (name == "--most-operations") options.mostOperations = countOf("--most-operations", value);
    else if (name == "--ops") options.ops = splitList(value);
    else if (name == "--distribution") options.distribution = value;
    else fail("unknown option " + name);
  }
  for (const auto& op : options.ops) {
    if (!isOperation(op)) fail("unknown operation " + op);
  }
  if (options.distribution != "uniform" && options.distribution != "zipf") fail("--distribution is uniform or zipf");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  for (uint32_t round = 1; round <= options.rounds; round++) {
    const size_t emptyBytes = allocatedBytes();
    auto map = std::make_unique<StripedMap>();
    uint32_t revision = 0;
    uint32_t seed = 1000 * round;
    bool filled = options.ops[0] == "set-new";
    if (!filled) runOperation(*map, "set-new", options, revision, ++seed);
    bool measured = false;
    for (const auto& op : options.ops) {
      if (op == "set-new" && measured) {
        map = std::make_unique<StripedMap>();
        revision = 0;
      }
      // A replace of every key moves all values to the next revision; one that leaves some behind keeps the letters.
      if (op == "set-update" && options.mostOperations >= options.keys) revision++;
      const Timing timing = runOperation(*map, op, options, revision, ++seed);
      std::printf("{\"op\":\"%s\",\"round\":%u,\"threads\":%u,\"keys\":%u,\"operations\":%u,\"nsPerOp\":%.2f,\"millionPerSecond\":%.4f}\n",
                  op.c_str(), round, options.threads, options.keys, timing.operations,
                  timing.seconds * 1e9 / timing.operations, timing.operations / timing.seconds / 1e6);
      if (!measured) {
        std::printf("{\"op\":\"memory\",\"round\":%u,\"bytes\":%zu}\n", round, allocatedBytes() - emptyBytes);
        measured = true;
      }
      std::fflush(stdout);
    }
  }
  return 0;
}
