// Character classes of BERT's normalizer and pre-tokenizer, as the reference library `tokenizers` defines
// them: general categories of Unicode 8.0, which its tables are of. Characters that are newer belong to no
// class.
#pragma once

namespace continuo {

// ASCII symbols and punctuation, and general category P.
bool is_bert_punctuation(char32_t code);
// General categories Cc (but not \t, \n and \r), Cf and Co, and U+FFFD.
bool is_bert_control(char32_t code);
// General category Mn.
bool is_bert_accent(char32_t code);
// The blocks of CJK ideographs that BERT cuts out one by one.
bool is_bert_ideograph(char32_t code);

}  // namespace continuo
