package run_test

import (
	"os"
	"strconv"
	"strings"
)

func zzRounds() int {
	n, err := strconv.Atoi(os.Getenv("ROUNDS"))
	if err != nil {
		return 8
	}
	return n
}

// ZZSYS: indexes of systems to use, e.g. 0,0,0,0
func zzSys(i int) int {
	f := strings.Split(os.Getenv("ZZSYS"), ",")
	if len(f) < 2 {
		return i % 4
	}
	n, _ := strconv.Atoi(f[i%len(f)])
	return n
}
