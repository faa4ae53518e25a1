import sys
sys.stdout.write("".join(f"{number:015}\n" for number in range(4 * 2**20 // 16)))
