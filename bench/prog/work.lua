-- Binary trees, string building and table churn: what a Lua service does to its allocator.
local function tree(d)
	if d == 0 then return {} end
	return {tree(d - 1), tree(d - 1)}
end
local function count(t) return t[1] and 1 + count(t[1]) + count(t[2]) or 1 end
local n = tonumber(arg[1]) or 14
local keep, sum = tree(n), 0
for i = 1, 24 do sum = sum + count(tree(n - 2)) end
local parts = {}
for i = 1, 120000 do parts[#parts + 1] = ("%d:%x"):format(i, i * 2654435761 % 4294967296) end
local s = table.concat(parts, ",")
local words = {}
for w in s:gmatch("[^,]+") do words[w:sub(-3)] = (words[w:sub(-3)] or 0) + 1 end
local k = 0
for _ in pairs(words) do k = k + 1 end
print(sum, count(keep), #s, k)
