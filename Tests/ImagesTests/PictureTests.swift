import Images
import Testing

@Suite struct PictureTests {
    @Test func sizesAndBytesMustAgree() throws {
        #expect(throws: ImageError.self) { try Picture(width: 2, height: 2, channels: 3, pixels: [0]) }
        #expect(throws: ImageError.self) { try Picture(width: 1, height: 1, channels: 2, pixels: [0, 0]) }
        #expect(throws: ImageError.self) { try Picture(width: -1, height: -1, channels: 3, pixels: [0, 0, 0]) }
        #expect(throws: ImageError.self) { try Picture(width: .max, height: .max, channels: 4, pixels: []) }
    }

    @Test func alphaIsLaidOverTheGround() throws {
        let picture = try Picture(
            width: 3, height: 1, channels: 4, pixels: [200, 100, 0, 0, 200, 100, 0, 255, 200, 100, 0, 51])
        let ground = Colour(red: 10, green: 20, blue: 255)
        // The last: a fifth of the picture, four fifths of the ground.
        #expect(picture.composited(over: ground).pixels == [10, 20, 255, 200, 100, 0, 48, 36, 204])
        // To the nearest: 100 · 128/255 is 50.196, 101 · 128/255 is 50.698.
        let half = try Picture(width: 1, height: 1, channels: 4, pixels: [100, 101, 0, 128])
        #expect(half.composited(over: .black).pixels == [50, 51, 0])
        #expect(picture.rgb.pixels == [200, 100, 0, 200, 100, 0, 200, 100, 0])
        #expect(picture.rgb.rgba.pixels == [200, 100, 0, 255, 200, 100, 0, 255, 200, 100, 0, 255])
        #expect(picture.rgb.composited(over: ground) == picture.rgb)
    }

    @Test func planesAndBack() throws {
        for channels in [3, 4] {
            let all = try Picture.noise(width: 9, height: 40, channels: channels, seed: 6)
            let planes = all.planes()
            #expect(planes.count == 9 * 40 * channels)
            #expect(planes[9 * 40 + 5] == Float(all.pixels[5 * channels + 1]) / 127.5 - 1)
            #expect(try Picture(planes: planes, width: 9, height: 40) == all)
        }
    }

    @Test func valuesOutOfRangeAreClampedAndRoundedAsInGlide() throws {
        let values: [Float] = [
            -1, 1, 0, -2, 1e30, -.infinity, .infinity, .nan, 1 / 127.5 - 1, 0.4 / 127.5 - 1, 0.6 / 127.5 - 1,
        ]
        let picture = try Picture(planes: values, width: values.count, height: 1)
        let expected: [UInt8] = [0, 255, 128, 0, 255, 0, 255, 0, 1, 0, 1]
        #expect(picture.pixels == expected.flatMap { [$0, $0, $0] })
        #expect(throws: ImageError.self) { try Picture(planes: [0, 0], width: 1, height: 1) }
        #expect(throws: ImageError.self) { try Picture(planes: [0], width: 2, height: 1) }
    }
}
