#include "state/prefix_tree.h"

#include <numeric>

#include "catch.h"

using namespace continuo;

namespace {

struct Pages {
  PagePool pool{16, 1000};
  PageSet next() {
    PageSet pages;
    pages.kv.push_back(pool.take());
    return pages;
  }
};

// Page i of a text: all of its tokens are `token`.
std::vector<TokenId> page(TokenId token, std::size_t n = kPageKeys) { return std::vector<TokenId>(n, token); }

std::vector<TokenId> operator+(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("the tree finds the longest beginning, to the token") {
  Pages pages;
  PrefixTree tree;
  PrefixTree::Node* const root = tree.find({}, {}).nodes.back();
  const PageSet ones = pages.next(), twos = pages.next(), threes = pages.next(), rest = pages.next();
  PrefixTree::Node* const one = tree.insert(root, page(1), ones);
  PrefixTree::Node* const two = tree.insert(one, page(2), twos);
  tree.insert(one, page(3), threes);
  tree.insert(two, page(7, 10), rest);

  auto found = tree.find({}, page(1) + page(2) + page(9));
  CHECK(found.nodes.back() == two);
  CHECK(found.tokens() == 2 * kPageKeys);
  REQUIRE(found.whole.size() == 2);
  CHECK(*found.whole[1] == twos);
  CHECK(found.partial == nullptr);

  found = tree.find({}, page(1) + page(2) + page(7, 30));
  REQUIRE(found.partial);
  CHECK(*found.partial == rest);
  CHECK(found.partial_tokens == 10);

  found = tree.find({}, page(1) + page(3, 20) + page(2));  // the text leaves the page in its midst
  CHECK(found.nodes.back() == one);
  CHECK(*found.partial == threes);
  CHECK(found.partial_tokens == 20);

  found = tree.find({}, page(1) + page(2, 40));  // the text ends in the page's midst
  CHECK(*found.partial == twos);
  CHECK(found.partial_tokens == 40);

  CHECK(tree.find({}, page(4)).tokens() == 0);
  CHECK(tree.find({1}, page(1)).tokens() == 0);  // another kind
}

TEST_CASE("what is there already is kept, what is part of more is replaced") {
  Pages pages;
  PrefixTree tree;
  PrefixTree::Node* const root = tree.find({}, {}).nodes.back();
  const PageSet part = pages.next(), whole = pages.next();
  tree.insert(root, page(1, 20), part);
  PrefixTree::Node* const node = tree.insert(root, page(1), whole);
  CHECK(part.kv[0].holders() == 1);
  CHECK(tree.insert(root, page(1), pages.next()) == node);
  CHECK(tree.insert(root, page(1, 20), pages.next()) == node);
  CHECK(pages.pool.in_use() == 2);
  CHECK(*tree.find({}, page(1)).whole.at(0) == whole);
}

TEST_CASE("what was not used for longest is forgotten first, ends before beginnings, and never what is pinned") {
  Pages pages;
  PrefixTree tree;
  PrefixTree::Node* const root = tree.find({}, {}).nodes.back();
  PrefixTree::Node* const a = tree.insert(root, page(1), pages.next());
  PrefixTree::Node* const end_of_a = tree.insert(a, page(2), pages.next());
  PrefixTree::Node* const b = tree.insert(root, page(3), pages.next());
  tree.pin(b);
  tree.find({}, page(1));  // `a` is used now, what follows it is not

  REQUIRE(tree.evict_one());
  CHECK(tree.find({}, page(1) + page(2)).tokens() == kPageKeys);
  (void)end_of_a;
  REQUIRE(tree.evict_one());
  CHECK(tree.find({}, page(1)).tokens() == 0);
  CHECK(!tree.evict_one());
  tree.unpin(b);
  CHECK(tree.evict_one());
  CHECK(pages.pool.in_use() == 0);
}

TEST_CASE("pages that nobody else holds can be given back alone") {
  Pages pages;
  PrefixTree tree;
  PrefixTree::Node* const root = tree.find({}, {}).nodes.back();
  const PageSet held = pages.next();
  PrefixTree::Node* const a = tree.insert(root, page(1), pages.next());
  PrefixTree::Node* const b = tree.insert(a, page(2), held);
  CHECK(tree.strip(b) == 1);
  CHECK(pages.pool.in_use() == 1);
  const auto found = tree.find({}, page(1) + page(2));
  REQUIRE(found.whole.size() == 2);
  CHECK(!found.whole[0]->kv.at(0));
  CHECK(found.whole[1]->kv.at(0) == held.kv[0]);
  tree.insert(root, page(1), pages.next());  // somebody has computed it again
  CHECK(tree.find({}, page(1)).whole[0]->kv.at(0));
}

TEST_CASE("a recurrent state goes on where one was kept: at the end of a page, or of a shorter edge") {
  Pages pages;
  PrefixTree tree;
  PrefixTree::Node* const root = tree.find({}, {}).nodes.back();
  const auto with_state = [&] {
    PageSet set = pages.next();
    set.recurrent = pages.pool.take();
    return set;
  };
  const PageSet short_state = with_state();
  PrefixTree::Node* const a = tree.insert(root, page(1), with_state());
  tree.insert(a, page(2, 20), short_state);
  PrefixTree::Node* const b = tree.insert(a, page(2), pages.next());  // goes on, without a state at its end
  tree.insert(b, page(3), pages.next());

  auto found = tree.find_recurrent({}, page(1) + page(2) + page(3));
  CHECK(found.tokens() == kPageKeys + 20);
  REQUIRE(found.partial);
  CHECK(*found.partial == short_state);
  CHECK(found.nodes.back() == a);
  found = tree.find_recurrent({}, page(1) + page(2, 19));  // ends before that state
  CHECK(found.tokens() == kPageKeys);
  CHECK(!found.partial);
  CHECK(tree.find_recurrent({}, page(1, 60)).tokens() == 0);
  CHECK(tree.find_recurrent({.adapter = 1}, page(1) + page(2)).tokens() == 0);
  // One that comes behind a longer edge is kept beside it.
  tree.insert(b, page(3, 10), with_state());
  CHECK(tree.find_recurrent({}, page(1) + page(2) + page(3)).tokens() == 2 * kPageKeys + 10);
  while (tree.evict_one()) {
  }
}
