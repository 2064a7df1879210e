-- What wrk asks for: updates after the cursor of the last answer, or after the one before it, so that one is new.
local path, behind
local cursor

function init(args)
  path, behind = args[1], tonumber(args[2])
end

function request()
  return wrk.format("GET", cursor and path .. "?after=" .. cursor or path)
end

function response(status, headers, body)
  local epoch, seq = headers["Wirerace-Cursor"]:match("^(%w+)%-(%d+)$")
  cursor = epoch .. "-" .. math.max(tonumber(seq) - behind, 0)
end
