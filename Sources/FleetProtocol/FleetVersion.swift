/// The version of all three programs, which are released together.
public enum FleetVersion {
  public static let current = "0.1.0"
}
