-- What is easier said in the script's own language: headers that can be asked, filters, lists of threats.
-- Runs before the sandbox is closed; everything in it is bounded by the size of a message's head.

local lower, find = string.lower, string.find
local rep, split = string.rep, string.split
local move, sort = table.move, table.sort

-- The machine cannot be stopped inside of one call of these: so what one call may do is bounded.
local SEARCH_MAX = 16777216
local MOVE_MAX = 1048576

local function bounded(text, wanted)
    if #text * (#wanted + 16) > SEARCH_MAX then
        error("the texts are too long for one search", 3)
    end
end

string.find = function(text, wanted, ...)
    bounded(text, wanted)
    return find(text, wanted, ...)
end

string.split = function(text, separator)
    separator = separator or ","
    bounded(text, separator)
    return split(text, separator)
end

-- Nothing, however often.
string.rep = function(text, count)
    if text == "" then
        return ""
    end
    return rep(text, count)
end

table.move = function(from, first, last, ...)
    if last - first > MOVE_MAX then
        error("too many values for one move", 2)
    end
    return move(from, first, last, ...)
end

-- Texts can be long: between two comparisons the machine has to be able to stop.
table.sort = function(values, is_less)
    return sort(values, is_less or function(one, other)
        return one < other
    end)
end

-- Functions are called both ways, header.value("Host") and header:value("Host").
local function last(one, other)
    if other ~= nil then
        return other
    end
    return one
end

local function header(fields)
    local made = { field = fields }
    made.value = function(one, other)
        local name = lower(last(one, other))
        for _, field in ipairs(fields) do
            if lower(field.name) == name then
                return field.value
            end
        end
        return nil
    end
    made.search = function(one, other)
        local text = lower(last(one, other))
        for _, field in ipairs(fields) do
            if find(lower(field.value), text, 1, true) then
                return true
            end
        end
        return false
    end
    return made
end

local function wanted(filter)
    if type(filter) ~= "table" or filter.category == nil then
        return nil
    end
    if type(filter.category) == "string" then
        return { filter.category }
    end
    return filter.category
end

local function message(ctx)
    ctx.request.header = header(ctx.request.header)
    if ctx.response then
        ctx.response.header = header(ctx.response.header)
    end
    local url = ctx.request.url
    ctx.has_url = function(one, other)
        if not url then
            return false
        end
        local names = wanted(last(one, other))
        if not names then
            return true
        end
        for _, name in ipairs(names) do
            for _, category in ipairs(url.categories) do
                if lower(name) == category then
                    return true
                end
            end
        end
        return false
    end
    -- The script is asked before the scan: no threat is known yet.
    ctx.has_threat = function()
        return false
    end
    ctx.threats = function()
        return function()
            return nil
        end
    end
    return ctx
end

return message
