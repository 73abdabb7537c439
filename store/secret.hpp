// Keys, tokens and passphrases in memory: locked against swapping, left out of core files (MADV_DONTDUMP), between guard pages, and wiped
// when they are given back. What is not locked, because the process may not lock so much, is told by why_not_locked().
//
// Threads: any for the memory; a value is its owner's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace janji::store {

namespace vault {
[[nodiscard]] void* take(std::size_t bytes);
void give_back(void* at, std::size_t bytes) noexcept;
// "": all that was taken so far is locked.
[[nodiscard]] std::string why_not_locked();
}  // namespace vault

template <class T>
struct vault_allocator {
  using value_type = T;
  vault_allocator() = default;
  template <class U>
  vault_allocator(const vault_allocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor): as allocators have it
  [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(vault::take(n * sizeof(T))); }
  void deallocate(T* at, std::size_t n) noexcept { vault::give_back(at, n * sizeof(T)); }
  friend bool operator==(const vault_allocator& /*a*/, const vault_allocator& /*b*/) { return true; }
};

// A key of 32 bytes. A copy is as safe as what it was copied from; of one that was moved from nothing may be asked.
class key_bytes {
public:
  static constexpr std::size_t bytes = 32;
  key_bytes();  // zeros
  key_bytes(const key_bytes& other);
  key_bytes(key_bytes&& other) noexcept : at_(other.at_) { other.at_ = nullptr; }
  key_bytes& operator=(const key_bytes& other);
  key_bytes& operator=(key_bytes&& other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  ~key_bytes() {
    if (at_ != nullptr)
      vault::give_back(at_, bytes);
  }
  [[nodiscard]] std::uint8_t* data() { return at_; }
  [[nodiscard]] const std::uint8_t* data() const { return at_; }
  [[nodiscard]] static constexpr std::size_t size() { return bytes; }
  void fill(std::uint8_t with);
  operator std::span<const std::uint8_t, bytes>() const {  // NOLINT(google-explicit-constructor): as std::array has it
    return std::span<const std::uint8_t, bytes>(at_, bytes);
  }
  friend bool operator==(const key_bytes& a, const key_bytes& b) { return a.equals(b); }  // in constant time

private:
  [[nodiscard]] bool equals(const key_bytes& other) const;
  std::uint8_t* at_;
};

// Text that nobody else is to have: a token, a passphrase, a record that was opened. Moves only. What it is made of is wiped.
class secret_text {
public:
  secret_text() = default;
  secret_text(std::string&& from);  // NOLINT(google-explicit-constructor): what was a temporary is wiped
  secret_text(const char* from) : secret_text(std::string_view(from)) {}  // NOLINT(google-explicit-constructor)
  explicit secret_text(std::string_view from) : text_(from.begin(), from.end()) {}
  secret_text(secret_text&&) = default;
  secret_text& operator=(secret_text&&) = default;
  secret_text(const secret_text&) = delete;
  secret_text& operator=(const secret_text&) = delete;
  ~secret_text() = default;

  [[nodiscard]] secret_text copy() const { return secret_text(view()); }
  [[nodiscard]] std::string_view view() const { return {text_.data(), text_.size()}; }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] char* data() { return text_.data(); }
  void resize(std::size_t size) { text_.resize(size); }
  friend bool operator==(const secret_text& a, std::string_view b) { return a.view() == b; }

private:
  std::vector<char, vault_allocator<char>> text_;
};

void wipe(void* at, std::size_t bytes);
inline void wipe(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

}  // namespace janji::store
