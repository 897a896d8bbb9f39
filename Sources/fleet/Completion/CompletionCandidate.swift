/// One thing that the word under the cursor may become.
enum CompletionCandidate: Hashable {
  case word(String, about: String)
  /// Whatever files begin like it; the shell knows them.
  case files
  case folders

  /// A line for the shells: a word and, behind a tab, what it is; or a word that no completion begins with.
  var line: String {
    switch self {
    case .word(let word, about: ""): word
    case .word(let word, let about): "\(word)\t\(about)"
    case .files: ":files"
    case .folders: ":folders"
    }
  }
}
