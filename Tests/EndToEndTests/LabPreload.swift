import Foundation

extension Lab {
  /// Compiles one of the libraries beside the tests for an account, which names it in `LD_PRELOAD`. Returns its path.
  func preloaded(_ source: String, of account: Account, _ options: [String] = []) throws -> String {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: source)
    let library = account.home.appending(path: file.deletingPathExtension().lastPathComponent + ".so").path
    try succeed(
      account, ["cc", "-shared", "-fPIC"] + options + ["-xc", "-o", library, "-"],
      input: String(contentsOf: file, encoding: .utf8))
    return library
  }
}
