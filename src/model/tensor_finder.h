// Finds the tensors of roles in a checkpoint, checks their shapes, and remembers which were used.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/model.h"
#include "model/tensor_names.h"

namespace continuo {

struct Checkpoint;
struct OtherPart;
struct TensorView;

class TensorFinder {
 public:
  // All must outlive this. `outer` stands before names that have no "*"; tensors of `others` are left alone.
  TensorFinder(const TensorNames& names, const Checkpoint& checkpoint, std::string_view outer = {},
               std::span<const OtherPart> others = {});

  // Whether the names know the role, and whether the checkpoint has a tensor of it.
  bool named(Role role) const;
  bool stored(Role role, const TensorPlace& place) const;
  // How many extents above 1 the tensor of a role has; 0 if there is none.
  std::size_t rank(Role role, const TensorPlace& place) const;
  // Its outermost extent; 0 if there is none.
  std::size_t first_extent(Role role, const TensorPlace& place) const;
  // Whether the role's tensors are one a part ("@"), as the checkpoint has them.
  bool stored_per_part(Role role, const TensorPlace& place) const;

  // The tensor of a role, which must be there: as a matrix of `rows` outputs and `cols` inputs; as `count`
  // such matrices in one tensor, outermost first; as values of the given shape, converted; the same where
  // extents of 1 may be left out of the file's shape, or be there besides.
  Result<Matrix> matrix(Role role, const TensorPlace& place, std::size_t rows, std::size_t cols);
  Result<std::vector<Matrix>> stack(Role role, const TensorPlace& place, std::size_t count, std::size_t rows,
                                    std::size_t cols);
  Result<std::vector<float>> values(Role role, const TensorPlace& place, std::span<const std::size_t> shape);
  Result<std::vector<float>> squeezed_values(Role role, const TensorPlace& place, std::span<const std::size_t> shape);

  // The bytes of a tensor of such, which stands for no numbers by itself.
  Result<const std::byte*> bytes_of(Role role, const TensorPlace& place, std::span<const std::size_t> shape);
  // An error that a role's tensor cannot be used as it is stored.
  Error unreadable(Role role, const TensorPlace& place, std::string hint) const;
  // "FILE: tensor NAME (ROLE) WHAT", of a role whose tensor is there.
  Error wrong(Role role, const TensorPlace& place, std::string_view what) const;

  // A tied output may stand in the file a second time; then it must be the embedding, bit for bit.
  Result<void> tied_output(const Matrix& embedding);
  // An error if a tensor was not used and is not a known buffer, or if one that an index names is nowhere and is
  // neither such a buffer nor the tied output. `family` is named in it.
  Result<void> check_no_leftovers(std::string_view family) const;

  // What was left alone, by the beginnings of names.
  std::vector<LeftOut> left_out() const;

  std::vector<TensorUse> take_uses() { return std::move(uses_); }
  std::size_t bytes() const { return bytes_; }  // of the tensors used, each once

 private:
  Result<std::vector<float>> converted(Role role, const TensorPlace& place, std::span<const std::size_t> shape,
                                       bool units_matter);
  Result<const TensorView*> take(Role role, const TensorPlace& place, std::span<const std::size_t> shape,
                                 bool units_matter = true);
  bool stored(const std::string& name) const;
  const TensorName* find(Role role, const TensorPlace& place) const;
  // An error where the family has no such tensor, whatever its settings ask for.
  Result<const TensorName*> need(Role role, const TensorPlace& place) const;
  std::string name_of(const TensorName& name, const TensorPlace& place) const;
  std::string_view choose_prefix() const;
  bool is_ignored(std::string_view name) const;
  const OtherPart* other_part(std::string_view name) const;
  bool is_tied_output(std::string_view name) const;
  Result<void> check_absent() const;

  const TensorNames& names_;
  const Checkpoint& checkpoint_;
  std::string_view outer_;
  std::span<const OtherPart> others_;
  std::string_view prefix_;
  std::set<std::string, std::less<>> used_;
  std::vector<TensorUse> uses_;
  std::size_t bytes_ = 0;
  bool tied_ = false;  // the output is the embedding
};

}  // namespace continuo
