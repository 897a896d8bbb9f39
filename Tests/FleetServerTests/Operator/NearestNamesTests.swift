import Testing

@testable import FleetServer

@Suite struct NearestNamesTests {
  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 1), ("kitchen-pi", "kitchn-pi", 1),
    ("abc", "abc", 0),
  ])
  func distances(_ left: String, _ right: String, _ distance: Int) {
    #expect(NearestNames.distance(left, right) == distance)
    #expect(NearestNames.distance(right, left) == distance)
  }

  @Test func nearestFirstAndAtMostThree() {
    let names = ["attic-pi", "kitchen-pi", "kitchen-pj", "kitchen-pi2", "kitchen-px", "zebra"]
    #expect(NearestNames.nearest(to: "kitchen-pi", among: names) == ["kitchen-pi", "kitchen-pi2", "kitchen-pj"])
    #expect(NearestNames.nearest(to: "kit", among: names).count == 3, "the beginning of a name")
    #expect(NearestNames.nearest(to: "garage", among: names).isEmpty)
  }
}
