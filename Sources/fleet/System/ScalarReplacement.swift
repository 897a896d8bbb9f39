extension String {
  /// Replaces a character that means something to another program, wherever that program sees it: to Swift a quote with an
  /// accent on it is another Character than a quote, and to a shell it is a quote.
  func replacingScalar(_ scalar: Unicode.Scalar, by replacement: String) -> String {
    var result = ""
    for each in unicodeScalars {
      if each == scalar { result += replacement } else { result.unicodeScalars.append(each) }
    }
    return result
  }
}
