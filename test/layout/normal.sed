# Addresses that differ from machine to machine become names; everything else stays.
s/PTE addr = 0x2[0-9a-f]{8} /PTE addr = POOL /
s/raw: 0x2[0-9a-f]{5}(...)\)/raw: POOL\1)/
s/^\[25[45]\] 0x7f[08]000000000 - 0x(7f8|800)000000000/[TOP] LO - HI/
s/^0x0000000([2-9a][0-9a-f]{8})-0x0000000([0-9a-f]{9})/POOL\1-\2/
/^0x/ {
	s/-0x[0-9a-f]{16}/-HI/
	s/^0x00000000(00[0-9a-f]{6})/LOW\1/
	s/^0x[0-9a-f]{16}/LO/
	s# /.*/# #
}
s/0x7f[0-9a-f]{10}/ADDR/
s/PML4\[25[45]\]/PML4[TOP]/
