// What Debian has as a shared library only, compiled into the program: a hit has one library less
// to load. To have fmt header-only, which does so too, took 7 of the 10 seconds to compile each
// file.

#include <fmt/format-inl.h>

// The templates of fmt whose definitions its other headers leave to its library.
namespace fmt::detail {

template auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;
template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref) -> char;
template void buffer<char>::append(const char*, const char*);
template void vformat_to(buffer<char>&, string_view, basic_format_args<format_context>, locale_ref);

} // namespace fmt::detail
