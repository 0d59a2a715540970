// fmt, compiled into the program: Debian has it only as a shared library, which a hit would have to
// load. The header-only form does the same, and took 7 of the 10 seconds to compile each file.
// An ordinary build links fmt's library, and leaves this file out.

#include <fmt/format-inl.h>

// The templates of fmt that its headers leave to its library.
namespace fmt::detail {

template auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;
template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref) -> char;
template void buffer<char>::append(const char*, const char*);
#if FMT_VERSION < 120000 // an ordinary function since
template void vformat_to(buffer<char>&, string_view, basic_format_args<format_context>, locale_ref);
#endif

} // namespace fmt::detail
