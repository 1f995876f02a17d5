package event

// What the servers mean by codes where the encodings of the Go project mean something else, and the codes that
// the servers do not have. MariaDB 10.11 and 11.8 and MySQL 5.6 agree in all of it.

var big5Differs = []differing{
	{0xa145, "\u2022"},
	{0xa14e, "\uff64"},
	{0xa15a, "\ufffd"},
	{0xa1c2, "\u203e\ufffd"},
	{0xa1c5, "\ufffd"},
	{0xa1e3, "\u223c"},
	{0xa1f2, "\u2641\u2609"},
	{0xa1fe, "\ufffd"},
	{0xa240, "\ufffd\uff0f\uff3c"},
	{0xa244, "\u00a5"},
	{0xa246, "\u00a2\u00a3"},
	{0xa2cc, "\ufffd"},
	{0xa2ce, "\ufffd"},
	{0xc6a1, "" +
		"\u30fe\u309d\u309e\u3005\u3041\u3042\u3043\u3044\u3045\u3046\u3047\u3048\u3049\u304a\u304b\u304c" +
		"\u304d\u304e\u304f\u3050\u3051\u3052\u3053\u3054\u3055\u3056\u3057\u3058\u3059\u305a\u305b\u305c" +
		"\u305d\u305e\u305f\u3060\u3061\u3062\u3063\u3064\u3065\u3066\u3067\u3068\u3069\u306a\u306b\u306c" +
		"\u306d\u306e\u306f\u3070\u3071\u3072\u3073\u3074\u3075\u3076\u3077\u3078\u3079\u307a\u307b\u307c" +
		"\u307d\u307e\u307f\u3080\u3081\u3082\u3083\u3084\u3085\u3086\u3087\u3088\u3089\u308a\u308b\u308c" +
		"\u308d\u308e\u308f\u3090\u3091\u3092\u3093\u30a1\u30a2\u30a3\u30a4\u30a5\u30a6\u30a7"},
	{0xc740, "" +
		"\u30a8\u30a9\u30aa\u30ab\u30ac\u30ad\u30ae\u30af\u30b0\u30b1\u30b2\u30b3\u30b4\u30b5\u30b6\u30b7" +
		"\u30b8\u30b9\u30ba\u30bb\u30bc\u30bd\u30be\u30bf\u30c0\u30c1\u30c2\u30c3\u30c4\u30c5\u30c6\u30c7" +
		"\u30c8\u30c9\u30ca\u30cb\u30cc\u30cd\u30ce\u30cf\u30d0\u30d1\u30d2\u30d3\u30d4\u30d5\u30d6\u30d7" +
		"\u30d8\u30d9\u30da\u30db\u30dc\u30dd\u30de\u30df\u30e0\u30e1\u30e2\u30e3\u30e4\u30e5\u30e6"},
	{0xc7a1, "" +
		"\u30e7\u30e8\u30e9\u30ea\u30eb\u30ec\u30ed\u30ee\u30ef\u30f0\u30f1\u30f2\u30f3\u30f4\u30f5\u30f6" +
		"\u0414\u0415\u0401\u0416\u0417\u0418\u0419\u041a\u041b\u041c\u0423\u0424\u0425\u0426\u0427\u0428" +
		"\u0429\u042a\u042b\u042c\u042d\u042e\u042f\u0430\u0431\u0432\u0433\u0434\u0435\u0451\u0436\u0437" +
		"\u0438\u0439\u043a\u043b\u043c\u043d\u043e\u043f\u0440\u0441\u0442\u0443\u0444\u0445\u0446\u0447" +
		"\u0448\u0449\u044a\u044b\u044c\u044d\u044e\u044f\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467" +
		"\u2468\u2469\u2474\u2475\u2476\u2477\u2478\u2479\u247a\u247b\u247c\u247d"},
}

var eucjpmsDiffers = []differing{
	{0x8fa2c3, "\uffe4"},
	{0x8ff3f3, "\u2170\u2171\u2172\u2173\u2174\u2175\u2176\u2177\u2178\u2179\u2160\u2161"},
	{0x8ff4a1, "" +
		"\u2162\u2163\u2164\u2165\u2166\u2167\u2168\u2169\uff07\uff02\u3231\u2116\u2121\u70bb\u4efc\u50f4" +
		"\u51ec\u5307\u5324\ufa0e\u548a\u5759\ufa0f\ufa10\u589e\u5bec\u5cf5\u5d53\ufa11\u5fb7\u6085\u6120" +
		"\u654e\u663b\u6665\ufa12\uf929\u6801\ufa13\ufa14\u6a6b\u6ae2\u6df8\u6df2\u7028\ufa15\ufa16\u7501" +
		"\u7682\u769e\ufa17\u7930\ufa18\ufa19\ufa1a\ufa1b\u7ae7\ufa1c\ufa1d\u7da0\u7dd6\ufa1e\u8362\ufa1f" +
		"\u85b0\ufa20\ufa21\u8807\ufa22\u8b7f\u8cf4\u8d76\ufa23\ufa24\ufa25\u90de\ufa26\u9115\ufa27\ufa28" +
		"\u9592\uf9dc\ufa29\u973b\u974d\u9751\ufa2a\ufa2b\ufa2c\u999e\u9ad9\u9b72\ufa2d\u9ed1"},
}

var gb2312Differs = []differing{
	{0xa1a4, "\u30fb"},
	{0xa1aa, "\u2015"},
}

var sjisDiffers = []differing{
	{0x815f, "\\\u301c\u2016"},
	{0x817c, "\u2212"},
	{0x8191, "\u00a2\u00a3"},
	{0x81ca, "\u00ac"},
}

var ujisDiffers = []differing{
	{0xa1c0, "\\\u301c\u2016"},
	{0xa1dd, "\u2212"},
	{0xa1f1, "\u00a2\u00a3"},
	{0xa2cc, "\u00ac"},
	{0x8fa2b7, "~"},
}

func none(uint32) bool { return false }

func within(code, low, high uint32) bool { return code >= low && code <= high }

func big5Lacks(code uint32) bool {
	return within(code, 0x8740, 0xa0fe) || within(code, 0xa3c0, 0xa3e1) || within(code, 0xc7fd, 0xc8fe) || code >= 0xf9dd
}

// gb2312Lacks leaves of GBK what was there first.
func gb2312Lacks(code uint32) bool {
	return code < 0xa1a1 || code&0xff < 0xa1 || within(code, 0xa2a1, 0xa2aa) || code == 0xa2e3 ||
		within(code, 0xa6e0, 0xa6f5) || within(code, 0xa8bb, 0xa8c0) || within(code, 0xaa00, 0xb0a0) || code >= 0xf800
}

func gbkLacks(code uint32) bool {
	return code == 0x80 || code == 0xa2e3 || code == 0xa3a0 || code == 0xa8bf || within(code, 0xa989, 0xa995) || code >= 0xfe50
}

func cp932Lacks(code uint32) bool { return code == 0x80 }

// sjisLacks leaves out what Microsoft and IBM added.
func sjisLacks(code uint32) bool {
	return code == 0x80 || within(code, 0x8740, 0x879c) || within(code, 0xed40, 0xeefc) || code >= 0xfa40
}

func ujisLacks(code uint32) bool { return within(code, 0xada1, 0xadfe) }

// privateUse is where Unicode has room for users' own characters.
const privateUse = 0xe000

func cp932Private(code uint32) rune {
	low := code & 0xff
	if !within(code, 0xf040, 0xf9fc) || !within(low, 0x40, 0xfc) || low == 0x7f {
		return 0
	}
	n := (code>>8-0xf0)*188 + low - 0x40
	if low > 0x7f {
		n--
	}
	return privateUse + rune(n)
}

func eucPrivate(code uint32) rune {
	high, low := code>>8&0xff, code&0xff
	if high < 0xf5 || high > 0xfe || low < 0xa1 || low > 0xfe {
		return 0
	}
	n := (high-0xf5)*94 + low - 0xa1
	if code>>16 == eucThree {
		n += 10 * 94
	}
	return privateUse + rune(n)
}
